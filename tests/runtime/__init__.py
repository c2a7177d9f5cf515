"""Every file of events/ through the real handlers, run by Lambda's own runtime client under its emulator."""
