"""The lot in the words of other systems: DATEX II, NGSI-LD, ParkAPI. Pure functions of the site and the picture."""
