"""Location: where the object is (OverFeat): a classifier, four regressors, and how they slide.

Read: `reduction`, `false_alarms`, `crops`, `basis`, `cropset`, `regressors`, `classifier`,
`look_cells`, `verifier`, `verifier_training`, `naming`, `naming_training`, `location_heads`,
`box_fusion`, `prototype`, `head_graphs`, `views`, `efforts`, `judging`, `locate`, `locating`,
`pair_training`, `detection_matching`, `paired_boxes`, `detection_metrics`.
"""
