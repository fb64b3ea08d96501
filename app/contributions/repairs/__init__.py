"""Repair tasks: service by which a resident earns a deduction back.

One is offered where a deduction that names a task is posted. The resident reports it, or staff
do for a resident without a phone; somebody of the committee who neither reported it nor lives in
the household accepts it. It never gives back more than was taken and not yet given back.
"""
