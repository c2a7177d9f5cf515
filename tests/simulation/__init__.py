"""A deterministic simulator of the whole system: the real domain, adapters and handlers against exact outside parts.

    world       virtual time, and threads that switch only where the seed decides
    faults      errors, lost answers, delays and crashes of each call to the outside
    queue       SQS, exactly: visibility, receive counts, delays, dead letters, redrive
    functions   Lambda: event source mappings, partial responses, time limits, direct invocations
    table       DynamoDB with its conditions;  aws: the boto3 clients in front of all these
    vendor      IdentityCall with every fault and its request limit;  recordings: their states over time
    slack       Slack, which may take a message and lose the answer
    wiring      the functions' workers built as the entrances build them, with these parts
    scenario    the events and faults of a seed;  invariants: the promises, checked after every step
    simulation  runs one seed;  parallel: many seeds on all cores;  backlog: how much of the request limit is used
    mutations   broken variants of the delivery code, each of which must be caught
    trace       a run as text, one line an action

`python -m tests.simulation --help` says what can be run.
"""
