"""From cutouts to posteriors: batches, Monte Carlo passes, summaries."""
