"""Files become catalogues, cutouts and tensors here, and back, whatever they may mean."""
