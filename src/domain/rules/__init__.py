"""The rules document, its kinds, and the judgement."""
