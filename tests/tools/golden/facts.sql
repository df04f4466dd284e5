-- What the catalog says of all tables and types now, and the position from which it says so, as one JSON object; what
-- is null is left out.
SELECT json_strip_nulls(json_build_object(
  'lsn', pg_current_wal_insert_lsn() - '0/0'::pg_lsn,
  'tables', (
    SELECT coalesce(json_agg(json_build_object(
      'oid', c.oid::bigint,
      'name', n.nspname || '.' || c.relname,
      'comment', obj_description(c.oid, 'pg_class'),
      'columns', (
        SELECT coalesce(json_agg(json_build_object(
          'name', a.attname,
          'type', format_type(a.atttypid, a.atttypmod),
          'not_null', a.attnotnull OR (t.typtype = 'd' AND t.typnotnull),
          'default', pg_get_expr(d.adbin, d.adrelid),
          'comment', col_description(c.oid, a.attnum)
        ) ORDER BY a.attnum), '[]')
        FROM pg_attribute a
        JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
      'primary_key', (
        SELECT coalesce(json_agg(a.attname ORDER BY k.ordinal), '[]')
        FROM pg_index i
        CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, ordinal)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE i.indrelid = c.oid AND i.indisprimary AND k.ordinal <= i.indnkeyatts),
      -- As java.sql.DatabaseMetaData.getIndexInfo lists them: partial ones too, columns of INCLUDE too.
      'unique_indexes', (
        SELECT coalesce(json_agg(u.columns ORDER BY u.indisclustered DESC, u.name), '[]')
        FROM (
          SELECT i.indisclustered, x.relname AS name, (
            SELECT json_agg(a.attname ORDER BY k.ordinal)
            FROM unnest(i.indkey) WITH ORDINALITY AS k (attnum, ordinal)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum) AS columns
          FROM pg_index i
          JOIN pg_class x ON x.oid = i.indexrelid
          WHERE i.indrelid = c.oid AND i.indisunique AND NOT i.indisprimary AND i.indexprs IS NULL) u)
    ) ORDER BY c.oid), '[]')
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')),
  'types', (
    SELECT coalesce(json_agg(json_build_object(
      'oid', t.oid::bigint,
      'schema', n.nspname,
      'name', t.typname,
      'typtype', t.typtype,
      'base', t.typbasetype::bigint,
      'typmod', t.typtypmod,
      'elem', t.typelem::bigint,
      'labels', (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)
    ) ORDER BY t.oid), '[]')
    FROM pg_type t
    JOIN pg_namespace n ON n.oid = t.typnamespace
    -- Row types of tables, and arrays of them, are left out; types that were made as composite are not.
    LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
    LEFT JOIN pg_class r ON r.oid = coalesce(e.typrelid, t.typrelid) AND r.relkind <> 'c'
    WHERE t.oid >= 16384 AND r.oid IS NULL)
))::text
