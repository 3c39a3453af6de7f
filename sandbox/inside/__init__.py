"""What runs inside a jail, on the standard library alone and on any CPython from 3.11.

`sandbox.jail` sends these files' text to the jailed interpreter: nothing of the host's source tree is mounted.
"""
