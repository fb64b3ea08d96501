"""Community: the tenant and the people in it.

Owns regions, communities, grids, buildings, households, residents, roles and requests to
join. Joining is asked for and decided by somebody else, a worker of the building's grid or the
committee. A resident is known to others only by a masked name. Everything above asks this room
who a caller is (`load_actor`) and in which time zone a community lives.
"""
