"""Posteriors in the forms of other libraries: ArviZ's trees and qp's ensembles."""
