# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the connection to a cluster, which are those of kubernetes.core."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - The kubeconfig to use, as a path, or as its content in a mapping.
      - Several files are joined with V(:), as in E(KUBECONFIG).
      - When it is left out, E(K8S_AUTH_KUBECONFIG) is used. Without that and without O(context), the service account of
        the pod that this runs in is used. Else it is E(KUBECONFIG), and at last C(~/.kube/config).
      - Secrets in a mapping are kept out of the output.
    type: raw
  context:
    description:
      - The context of the kubeconfig to use. By default its current one.
      - When it is left out, E(K8S_AUTH_CONTEXT) is used.
    type: str
  host:
    description:
      - The URL of the API server, such as V(https://cluster.example.com:6443).
      - Together with O(api_key), with O(username) and O(password), or with O(client_cert) and O(client_key), no
        kubeconfig is read. Otherwise it only replaces the address in the kubeconfig.
      - When it is left out, E(K8S_AUTH_HOST) is used.
    type: str
  api_key:
    description:
      - The bearer token that proves who is asking.
      - When it is left out, E(K8S_AUTH_API_KEY) is used.
    type: str
  username:
    description:
      - The user for HTTP basic authentication, which current API servers no longer offer themselves. It serves for
        proxies in front of one.
      - When it is left out, E(K8S_AUTH_USERNAME) is used.
    type: str
  password:
    description:
      - The password that belongs to O(username).
      - When it is left out, E(K8S_AUTH_PASSWORD) is used.
    type: str
  client_cert:
    description:
      - The path of the client certificate that proves who is asking.
      - When it is left out, E(K8S_AUTH_CLIENT_CERT) or E(K8S_AUTH_CERT_FILE) is used.
    type: path
    aliases:
      - cert_file
  client_key:
    description:
      - The path of the key that belongs to O(client_cert).
      - When it is left out, E(K8S_AUTH_CLIENT_KEY) or E(K8S_AUTH_KEY_FILE) is used.
    type: path
    aliases:
      - key_file
  ca_cert:
    description:
      - The path of the certificates that the API server's own is checked against. The file has to hold the whole chain.
      - When it is left out, E(K8S_AUTH_CA_CERT) or E(K8S_AUTH_SSL_CA_CERT) is used, then what the kubeconfig says.
    type: path
    aliases:
      - ssl_ca_cert
  validate_certs:
    description:
      - Whether the API server's certificate is checked.
      - When it is left out, E(K8S_AUTH_VALIDATE_CERTS) or E(K8S_AUTH_VERIFY_SSL) is used, then what the kubeconfig
        says. With none of them, it is checked.
    type: bool
    aliases:
      - verify_ssl
  proxy:
    description:
      - The URL of the HTTP proxy on the way to the API server.
      - When it is left out, E(K8S_AUTH_PROXY) is used.
    type: str
  no_proxy:
    description:
      - Hosts, domains and networks that are reached without O(proxy), separated by commas, such as
        V(localhost,.example.com,10.0.0.0/8).
      - When it is left out, E(K8S_AUTH_NO_PROXY) is used.
    type: str
  proxy_headers:
    description:
      - Headers for the proxy, made as C(urllib3.util.make_headers) makes them.
    type: dict
    suboptions:
      proxy_basic_auth:
        description:
          - User and password for the proxy, with a colon between them.
          - When O(proxy_headers) is left out, E(K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH) is used.
        type: str
      basic_auth:
        description:
          - User and password for the server behind it, with a colon between them.
          - When O(proxy_headers) is left out, E(K8S_AUTH_PROXY_HEADERS_BASIC_AUTH) is used.
        type: str
      user_agent:
        description:
          - The name by which this client introduces itself, such as V(releases/1.0).
          - When O(proxy_headers) is left out, E(K8S_AUTH_PROXY_HEADERS_USER_AGENT) is used.
        type: str
  persist_config:
    description:
      - Whether a token that was renewed on the way is written back into the kubeconfig file.
      - When it is left out, E(K8S_AUTH_PERSIST_CONFIG) is used. With neither, it is not.
    type: bool
  impersonate_user:
    description:
      - The user to act as. Who connects needs the right to impersonate them.
      - When it is left out, E(K8S_AUTH_IMPERSONATE_USER) is used.
    type: str
  impersonate_groups:
    description:
      - The groups to act as a member of.
      - When it is left out, E(K8S_AUTH_IMPERSONATE_GROUPS) is used, with commas between the groups.
    type: list
    elements: str
"""
