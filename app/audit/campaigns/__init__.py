"""What campaigns with limits have given, against the awards that say so."""
