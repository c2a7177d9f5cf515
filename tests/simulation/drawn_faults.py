"""The faults of a seed that has everything at once."""

from random import Random

from tests.simulation.faults import AwsOutage, FaultPlan


def fault_plan_of(random: Random, faults_end_ms: int, aws_outages: tuple[AwsOutage, ...]) -> FaultPlan:
    if random.random() < 0.1:
        return FaultPlan(faults_end_ms)
    return FaultPlan(
        faults_end_ms,
        faults_left=random.choice((3, 10, 30, 60)),
        crash_probability=random.choice((0, 0, 0.01, 0.03, 0.06)),
        error_probability=random.choice((0, 0, 0.01, 0.03)),
        lost_answer_probability=random.choice((0, 0, 0.01, 0.03)),
        repeat_probability=random.choice((0, 0, 0.02)),
        delay_probability=random.choice((0, 0, 0.02, 0.05, 0.15)),
        duplicate_probability=random.choice((0, 0.1, 0.3)),
        aws_outages=aws_outages,
        slow_answer_probability=random.choice((0, 0, 0.1, 0.4)),
    )
