"""image_stitch: up to fifty pictures to a row, a column or a grid."""
