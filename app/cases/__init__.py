"""Cases: what residents bring that somebody must handle — so far hazards (随手拍).

Owns categories, cases, their photos, history and the people who joined in ("me too"). The
workflow is one table (workflow.py); deadlines run on the Chinese working calendar. Points are
the rules' business: a category names rules, each rule says at which step its points arrive and
whether reporters or joiners earn them. What others see has passed content security, and its
place is blurred.
"""
