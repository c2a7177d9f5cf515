"""The whole product on this machine: emulated AWS, stubs, and the commands that use them (`python -m local`)."""
