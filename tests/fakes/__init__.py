"""Stateful stand-ins for what lies outside the domain, and makers of the things tests talk about.

A fake implements its port of `domain.ports` or `domain.alerts.deliver`; `contracts` holds what both a fake and the real
adapter must do, and is run against both.
"""
