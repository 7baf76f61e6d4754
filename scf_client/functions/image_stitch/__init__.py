"""image_stitch: up to a hundred pictures to one: a row, a column, a grid, a long picture or a collage."""
