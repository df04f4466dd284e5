-- variants: default schemas avro strings

CREATE TABLE points (id int PRIMARY KEY, v point, n point NOT NULL);

CREATE TABLE shapes (id int PRIMARY KEY, a box, b lseg, c path, d polygon, e circle, f line);

CREATE TABLE required_shapes (id int PRIMARY KEY, a box NOT NULL, b lseg NOT NULL, c path NOT NULL, d polygon NOT NULL, e circle NOT NULL, f line NOT NULL, v text);

CREATE TABLE shape_arrays (id int PRIMARY KEY, a point[], b box[], c lseg[], d path[], e polygon[], f circle[], g line[], v text);

CREATE TABLE shape_defaults (id int PRIMARY KEY, a point DEFAULT '(1,2)', an point NOT NULL DEFAULT '(1,2)', b circle DEFAULT '<(1,2),3>', bn box NOT NULL DEFAULT '(1,1),(0,0)');

-- workload

INSERT INTO points VALUES (1, '(0,0)', '(1.5,-2.25)'), (2, '(1e300,-1e-300)', '(NaN,Infinity)'), (3, NULL, '(0.1,0.2)')

UPDATE points SET id = 4 WHERE id = 1

DELETE FROM points WHERE id = 4

INSERT INTO shapes VALUES (1, '(1,2),(3,4)', '[(1,2),(3,4)]', '((0,0),(1,0),(1,1))', '((0,0),(1,0),(1,1))', '<(1,2),3.5>', '{1,-2,3}'), (2, '(-1.5,0),(0,1e10)', '((0,0),(0,0))', '[(0,0),(1,0),(1,1.5)]', '((0,0),(1,0),(1,1),(0,0))', '<(0,0),0>', '[(0,0),(1,1)]'), (3, NULL, NULL, '((1,1))', '((2,3))', NULL, '{0,-1,0.5}'), (4, NULL, NULL, NULL, NULL, NULL, NULL)

DELETE FROM shapes

INSERT INTO required_shapes VALUES (1, '(1,2),(3,4)', '[(1,2),(3,4)]', '((0,0),(1,0),(1,1))', '((0,0),(1,0),(1,1))', '<(1,2),3.5>', '{1,-2,3}', 'v')

UPDATE required_shapes SET id = 2

DELETE FROM required_shapes

INSERT INTO shape_arrays VALUES (1, '{"(1,2)","(3,4)"}', '{(1,2),(3,4);(0,0),(1,1)}', '{"[(1,2),(3,4)]"}', '{"((0,0),(1,0))"}', '{"((0,0),(1,0),(1,1))"}', '{"<(1,2),3>"}', '{"{1,2,3}"}', 'v'), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)

INSERT INTO shape_defaults (id) VALUES (1)

INSERT INTO shape_defaults VALUES (2, NULL, '(0,0)', NULL, '(0,0),(0,0)')

DELETE FROM shape_defaults
