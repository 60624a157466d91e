"""Location: where the object is (OverFeat): a classifier, four regressors, and how they slide.

Read: `reduction`, `crops`, `basis`, `cropset`, `regressors`, `classifier`, `location_heads`,
`box_fusion`, `head_graphs`, `views`, `efforts`, `locate`, `locating`, `detection_matching`,
`paired_boxes`, `detection_metrics`.
"""
