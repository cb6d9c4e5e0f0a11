"""Is the posterior true? Coverage, ranks and scores against known truths."""
