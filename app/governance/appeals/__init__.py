"""Appeals: a resident objects to an award, a refusal or a deduction.

Filed within the days that the community's procedure says, once for each subject. Decided in
writing by somebody who took no part in what it is against, and not by the resident's household;
the table itself refuses anybody else. What is upheld is put right in the same transaction: points,
caps, and the boards of the days the acts were on. An appeal never leaves a resident with less.
"""
