"""The whole product on this machine: the emulated AWS, the stubs, and the commands that use them (`python -m local`)."""
