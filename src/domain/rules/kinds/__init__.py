"""The kinds of conditions, a file each. `simple` lists those that judge by themselves, `every` all of them."""
