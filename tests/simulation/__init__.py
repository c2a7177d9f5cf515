"""A deterministic simulator of the whole system: the real domain, adapters and handlers against exact outside parts.

    simulation          runs one seed;  parallel: many seeds on all cores;  backlog: how much of the limit is used
    world, threads      virtual time, and threads that switch only where the seed decides;  trace: a run as text
    faults              errors, lost answers, delays and crashes of each call to the outside

    scenario            what a seed brings: drawn_recordings, arrivals, outages, operator_entries
    recordings          the states of a recording over time, and an independent judgement of them

    queue, table, topic SQS, DynamoDB and SNS, exactly;  stored: the ones there are;  mailbox: the e-mail subscriber
    aws, sns            the boto3 clients before them;  client_limits: how long and how often they try
    functions           Lambda's environments and time limits;  event_source, direct_invocations: what invokes them
    vendor              IdentityCall, its faults and its limit;  vendor_answers, vendor_transport
    discovery_plan      what a third of the seeds brings for discovery and the webhook;  triggers: both entrances.
    vendor_list         the vendor's list, which shifts while it is walked.
    timer               invokes discovery until it is at rest;  webhook_sender: posts events, or loses them.
    trigger_aws         what the triggers call of AWS: sent events, eventually consistent reads.
    slack               Slack, its rate, and its answers that get lost.
    wiring              the functions' workers built as the entrances build them, with these parts.

    log                 the workers' log, checked line by line
    invariants          the promises, checked after every step, on what the ledger has observed
    mutations           broken variants of the delivery code, each of which must be caught;  notifier_mutations and
                        trigger_mutations: those of the notifier and the triggers;  substitution: how

`python -m tests.simulation --help` says what can be run.
"""
