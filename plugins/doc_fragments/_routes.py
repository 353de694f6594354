# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a route is named, and how versions are found in it: the options that the modules for routes share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  routes:
    description:
      - The objects that carry weights.
    type: list
    elements: dict
    required: true
    suboptions:
      router:
        description:
          - The kind of router that reads the route. V(istio) stands for a VirtualService, V(gateway_api) for an
            HTTPRoute and its kin, V(app_mesh) for a VirtualRouter of AWS App Mesh, V(service) for a Service whose
            selector leads to one version at a time, so that weights are 0 or 100.
        type: str
        choices:
          - app_mesh
          - gateway_api
          - istio
          - service
        default: istio
      name:
        description:
          - The name of the object.
        type: str
        required: true
      namespace:
        description:
          - The namespace of the object.
        type: str
        required: true
      kind:
        description:
          - The kind of the object. With the router V(gateway_api) it is V(HTTPRoute) by default, and else
            V(GRPCRoute), V(TLSRoute) or V(TCPRoute). The router V(istio) has only V(VirtualService), the router
            V(app_mesh) only V(VirtualRouter), the router V(service) only V(Service).
        type: str
      api_version:
        description:
          - The API version to read and write the object with. By default the newest of its kind,
            V(networking.istio.io/v1) or V(gateway.networking.k8s.io/v1).
          - Istio before 1.22 has V(networking.istio.io/v1beta1) and V(networking.istio.io/v1alpha3) only. TLSRoutes and
            TCPRoutes of older Gateway APIs have V(gateway.networking.k8s.io/v1alpha2).
        type: str
      rules:
        description:
          - The rules to look at, each by its name or by its place, such as V(http[0]), V(tls[1]) or V(tcp[0]), with the
            Gateway API V(rules[0]), with App Mesh V(routes[0]). A Service has one rule, V(selector).
          - By default every rule that holds all the versions in question. One that holds only some of them is left
            alone and reported as C(rule_pins_version).
          - Places are counted without the rules that stand there for a test.
          - A rule that does not exist, or does not hold all the versions, is an error that lists what stands there.
        type: list
        elements: str
        default: []
      versions:
        description:
          - How versions are written in this route, for those that are not found by themselves. The keys are names of
            versions, the values mappings with any of the keys C(host), C(subset), C(namespace), C(backend) and
            C(selector), or empty.
          - C(host) is the host of the version's destinations. Without a dot it is a Service in C(namespace), which is
            the route's own by default. With a dot it is taken as a full name, as Istio does.
          - C(subset) is the subset of the version's destinations.
          - C(backend) is the host that is written for a version which has to be added and has neither.
          - C(selector), for the router V(service) alone, holds the labels that tell the version's pods from those of
            the others, with their values. They have to be the same labels for each version. Without it, it is the label
            of the Service's selector that holds the name of a version, C(app.kubernetes.io/version) before all others.
          - A version with neither C(host) nor C(subset) is found by a subset of its name, else by a backend of its name
            or one that ends in C(-<version>). Two destinations of one rule that match the same version are an error.
        type: dict
"""

    # For the module that writes. Ansible does not merge the suboptions of two fragments, and ansible-test takes every
    # assignment without a type for one literal.
    WEIGHTED: str = (
        DOCUMENTATION.rstrip("\n")
        + r"""
      weights:
        description:
          - The percentages for this route, instead of O(weights).
        type: dict
      expect:
        description:
          - The percentages that must stand in this route now, instead of O(expect).
        type: dict
      adopt:
        description:
          - Whether versions that are missing from a rule are added to it, with their weight, as a destination that is
            written like the first one of the rule.
          - Without it, a rule without the version is refused, with the lines to add.
          - When no rule holds all the versions, there has to be just one that holds some of them, or O(routes[].rules)
            has to name those that are meant.
        type: bool
        default: false
      min_endpoints:
        description:
          - How many ready endpoints a version has to have before it gains weight, for each version that needs more than
            one, such as live's usual number before it gets everything back.
          - It has no effect without O(require_ready).
        type: dict
      managed_fields:
        description:
          - The C(metadata.managedFields) of the object, as
            RV(bluegreen.kubernetes.traffic_info#module:routes[].managed_fields) had them before the first write of a
            release.
          - When the module, or an earlier run of it, has left its own name there, they are put back at the end, so that
            the owner's next server-side apply meets no conflict over the weights. This costs one more request.
        type: list
        elements: dict
"""
    )
