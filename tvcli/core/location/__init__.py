"""Location: where the object is (OverFeat): a classifier, four regressors, and how they slide."""
