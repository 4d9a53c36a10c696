"""Rigs from files: glTF, folders of OBJ shapes, packed ICT-FaceKit; what is found is checked and reported."""
