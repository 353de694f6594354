# Copyright: (c) 2026, bluegreen.kubernetes contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for App Mesh, whose service has ended: it reads its objects and tells an Envoy by files what they say.

It plays three parts: the controller (what is accepted, status, events), the service behind it, which gives the Envoys
their configuration, and the injector (which pods have such an Envoy). One Envoy plays the sidecar of every pod.
"""
