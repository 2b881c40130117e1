"""Out-of-domain examples, written step by step by the policy that is to learn from them and never executed."""
