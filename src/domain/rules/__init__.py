"""The rules document, the kinds of rules, and the judgement."""
