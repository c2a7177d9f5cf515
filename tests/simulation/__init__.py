"""A deterministic simulator of the whole system: the real domain, adapters and handlers against exact outside parts.

    world       virtual time, and threads that switch only where a seed says
    weather     what goes wrong in a call to the outside, a crash before or after it included
    queue       SQS, exactly: visibility, receive counts, delays, dead letters, redrive
    functions   Lambda: event source mappings, partial responses, time limits, direct invocations
    table       DynamoDB with its conditions;  aws: the boto3 clients in front of all these
    vendor      IdentityCall with every fault and its request limit;  recordings: what it knows, as time passes
    slack       Slack, which may take a message and lose the answer
    wiring      the functions' workers built as the entrances build them, with these parts
    scenario    what happens in one seed;  invariants: what must hold whatever happens
    simulation  one seed from beginning to end;  backlog: how much of the request limit is used
    mutations   broken variants of the delivery code, each of which must be caught
    story       a history that a person can read

`python -m tests.simulation --help` says what can be run.
"""
