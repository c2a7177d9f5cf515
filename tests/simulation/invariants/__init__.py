"""The promises of the delivery, stated once, by number. Checked after every step, and at the end.

1  Every accepted event ends in an outcome or, with a reason, in the dead-letter queue.    events, webhook.
2  The outcome is the judgement of the newest results that were fetched.                   outcomes, events.
3  Every violation is alerted. A repeat follows only a send with an unknown outcome.
   It has the same alert id, and is counted.                                               alerts, repeats.
4  No 60 seconds hold more requests than the limit allows.                                 requests, discovery.
5  Nothing is sent again before its Retry-After. Waiting alone never reaches the
   dead-letter queue. At rest an alert follows its event within seconds.                   requests, alerts, events,
                                                                                           latency, discovery.
6  No stale write survives. No secret and no spoken word is in any log line.               outcomes, secrets.
7  Every completed recording that discovery has to look at is found and judged.
   None is announced without need, or reported as missed though its event came.            discovery.
"""
