"""The deployed stack in an upheaval: everything fails at once, and afterwards the books must balance."""
