-- after: masks
-- variants: schemas masks propagate
-- connector: snapshot.mode=initial

-- workload
