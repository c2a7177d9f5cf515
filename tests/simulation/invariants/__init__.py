"""The promises of the delivery, stated once, by number. Checked after every step, and at the end.

1  every accepted event ends in an outcome or, with a reason, in the dead-letter queue     events, webhook
2  the outcome is the judgement of the newest results that were fetched                    outcomes, events
3  every violation is alerted; a repeat follows only a send with an unknown outcome,
   under the same alert id, and is counted                                                 alerts, repeats
4  no 60 seconds hold more requests than the limit allows                                  requests, discovery
5  nothing is sent again before its Retry-After; waiting alone never reaches the
   dead-letter queue; at rest an alert follows its event within seconds                   requests, alerts, events,
                                                                                           latency, discovery
6  no stale write survives; no secret and no spoken word is in any log line                outcomes, secrets
7  every completed recording that discovery has to look at is found and judged; none is
   announced without need, or reported as missed though its event came                     discovery
"""
