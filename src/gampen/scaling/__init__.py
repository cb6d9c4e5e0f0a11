"""Long runs in parts."""
