# Makes of each line of text a C string and a comma, for an array's initialiser.
s/["\\]/\\&/g
s/.*/"&\\n",/
