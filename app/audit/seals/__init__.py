"""The audit of seals: every leaf, node, checkpoint and rolled-up total follows from transfers."""
