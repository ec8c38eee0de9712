-- What Presto does, in DuckDB. A macro of several shapes is chosen by the types of its arguments.
-- What is to fail fails in a cast of a text that begins with '=': error() cannot be tried.

-- Dates and times
CREATE MACRO presto_from_unixtime(a) AS to_timestamp(a::DOUBLE),
    (a, zone) AS to_timestamp(a::DOUBLE);
CREATE MACRO presto_to_unixtime(a TIMESTAMP) AS epoch(a),
    (a TIMESTAMPTZ) AS epoch(a),
    (a DATE) AS epoch(a);
CREATE MACRO presto_from_iso8601_timestamp(a) AS CASE WHEN regexp_full_match(a, '[+-]?\d{4,6}(-\d{1,2}(-\d{1,2})?)?T?') THEN (rtrim(a, 'T') || repeat('-01', 2 - (length(regexp_replace(rtrim(a, 'T'), '[^-]', '', 'g'))::INTEGER)))::TIMESTAMPTZ WHEN regexp_full_match(a, '\d{4}-\d{2}-\d{2}T\d{2}([Zz]|[+-]\d{2}(:?\d{2})?)?') THEN regexp_replace(a, '(T\d{2})', '\1:00')::TIMESTAMPTZ WHEN regexp_full_match(a, '\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}([.,]\d+)?)?([Zz]|[+-]\d{2}(:?\d{2})?)?') THEN replace(a, ',', '.')::TIMESTAMPTZ ELSE ('=' || a)::TIMESTAMPTZ END;
CREATE MACRO presto_to_iso8601(a TIMESTAMPTZ) AS strftime(a::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%gZ'),
    (a TIMESTAMP) AS strftime(a, '%Y-%m-%dT%H:%M:%S.%g'),
    (a DATE) AS strftime(a, '%Y-%m-%d');
CREATE MACRO presto_date(a) AS CAST(a AS DATE);
CREATE MACRO presto_second(a) AS extract(second FROM a)::BIGINT;
CREATE MACRO presto_millisecond(a) AS extract(millisecond FROM a)::BIGINT % 1000;
CREATE MACRO presto_at_timezone(a, zone) AS a;
CREATE MACRO presto_moment(a DATE) AS a::TIMESTAMP,
    (a TIMESTAMP) AS a,
    (a TIMESTAMPTZ) AS a::TIMESTAMP;
CREATE MACRO presto_plus(a DATE, b INTERVAL) AS (a + b)::DATE,
    (a TIMESTAMP, b INTERVAL) AS a + b,
    (a TIMESTAMPTZ, b INTERVAL) AS a + b,
    (a, b) AS a + b;
CREATE MACRO presto_minus(a DATE, b INTERVAL) AS (a - b)::DATE,
    (a TIMESTAMP, b INTERVAL) AS a - b,
    (a TIMESTAMPTZ, b INTERVAL) AS a - b,
    (a, b) AS a - b;
CREATE MACRO presto_date_trunc(unit, a DATE) AS date_trunc(unit, a)::DATE,
    (unit, a TIMESTAMP) AS date_trunc(unit, a),
    (unit, a TIMESTAMPTZ) AS date_trunc(unit, a);
CREATE MACRO presto_strptime(a, pattern) AS strptime(a, pattern);
CREATE MACRO presto_parse_datetime(a, pattern) AS strptime(a, pattern)::TIMESTAMPTZ;
CREATE MACRO presto_parse_date(a, pattern) AS strptime(a, pattern)::DATE;
CREATE MACRO presto_strftime(a DATE, pattern) AS strftime(a, pattern),
    (a TIMESTAMP, pattern) AS strftime(a, pattern),
    (a TIMESTAMPTZ, pattern) AS strftime(a::TIMESTAMP, pattern);
CREATE MACRO presto_now() AS current_timestamp;
CREATE MACRO presto_current_timezone() AS 'UTC';

-- Numbers: integers are divided as integers
CREATE MACRO presto_divide(a INTEGER, b INTEGER) AS a // b,
    (a BIGINT, b BIGINT) AS a // b,
    (a HUGEINT, b HUGEINT) AS a // b,
    (a FLOAT, b FLOAT) AS a / b,
    (a DOUBLE, b DOUBLE) AS a / b,
    (a DECIMAL(38,10), b DECIMAL(38,10)) AS CASE WHEN b = 0 THEN (1 // b::BIGINT)::DOUBLE ELSE a::DOUBLE / b::DOUBLE END,
    (a, b) AS a / b;
CREATE MACRO presto_truncate(a) AS trunc(a),
    (a, n) AS trunc(a * power(10, n)) / power(10, n);
CREATE MACRO presto_log(b, x) AS log(b, x);
CREATE MACRO presto_mod(a, b) AS a % b;
CREATE MACRO presto_e() AS exp(1.0::DOUBLE);
CREATE MACRO presto_infinity() AS 'inf'::DOUBLE;
CREATE MACRO presto_nan() AS 'nan'::DOUBLE;
CREATE MACRO presto_random() AS random(), (n) AS floor(random() * n)::BIGINT, (m, n) AS (m + floor(random() * (n - m)))::BIGINT;
CREATE MACRO presto_width_bucket(x, low, high, n) AS CASE WHEN x < low THEN 0 WHEN x >= high THEN n + 1 ELSE (floor((x - low) / ((high - low) / n::DOUBLE)) + 1)::BIGINT END;
CREATE MACRO presto_bitwise_and(a, b) AS a::BIGINT & b::BIGINT;
CREATE MACRO presto_bitwise_or(a, b) AS a::BIGINT | b::BIGINT;
CREATE MACRO presto_bitwise_not(a) AS ~(a::BIGINT);
CREATE MACRO presto_integer(a DOUBLE) AS round(a),
    (a FLOAT) AS round(a),
    (a DECIMAL(38,10)) AS round(a),
    (a BIGINT) AS a,
    (a BOOLEAN) AS a::INTEGER,
    (a VARCHAR) AS CASE WHEN regexp_full_match(a, '[+-]?\d+') THEN a ELSE '=' || a END, (a) AS a;

-- Texts, bytes and JSON
CREATE MACRO presto_substr(a, start) AS CASE WHEN start = 0 OR start < -length(a) THEN '' ELSE substring(a, start) END,
    (a, start, n) AS CASE WHEN start = 0 OR start < -length(a) OR n <= 0 THEN '' WHEN start < 0 THEN substring(a, length(a) + start + 1, n) ELSE substring(a, start, n) END;
CREATE MACRO presto_split_part(a, sep, i) AS CASE WHEN i > len(string_split(a, sep)) THEN NULL ELSE split_part(a, sep, i) END;
CREATE MACRO presto_regexp_extract(a, pattern) AS nullif(regexp_extract_all(a, pattern), [])[1],
    (a, pattern, g) AS nullif(regexp_extract_all(a, pattern, g), [])[1];
CREATE MACRO presto_md5(a) AS unhex(md5(a));
CREATE MACRO presto_sha1(a) AS unhex(sha1(a));
CREATE MACRO presto_sha256(a) AS unhex(sha256(a));
CREATE MACRO presto_json_extract(a, path) AS json_extract(a::JSON, path);
CREATE MACRO presto_json_extract_scalar(a, path) AS CASE WHEN json_type(a::JSON, path) IN ('OBJECT', 'ARRAY') THEN NULL ELSE json_extract_string(a::JSON, path) END;
CREATE MACRO presto_json_parse(a) AS json(a);
CREATE MACRO presto_json_format(a) AS CAST(json(a) AS VARCHAR);
CREATE MACRO presto_json_size(a, path) AS CASE json_type(a::JSON, path) WHEN 'OBJECT' THEN len(json_keys(a::JSON, path)) WHEN 'ARRAY' THEN json_array_length(a::JSON, path) ELSE 0 END::BIGINT;
CREATE MACRO presto_json_array_contains(a, x) AS list_contains(CAST(a::JSON AS VARCHAR[]), CAST(x AS VARCHAR));
CREATE MACRO presto_json_array_get(a, i) AS json_extract(a::JSON, '$[' || i || ']');
CREATE MACRO presto_is_json_scalar(a) AS json_type(a::JSON) NOT IN ('OBJECT', 'ARRAY');

-- Lists and maps
CREATE MACRO presto_cardinality(a) AS cardinality(a)::BIGINT;
CREATE MACRO presto_contains(a, x) AS CASE WHEN list_contains(a, x) THEN true WHEN list_count(a) < len(a) THEN NULL ELSE list_contains(a, x) END;
CREATE MACRO presto_element_at(a, i BIGINT) AS a[i],
    (a, i) AS a[i];
CREATE MACRO presto_array_join(a, sep) AS array_to_string(a, sep),
    (a, sep, missing) AS array_to_string(list_transform(a, LAMBDA x: coalesce(x::VARCHAR, missing)), sep);
CREATE MACRO presto_array_except(a, b) AS list_distinct(list_filter(a, LAMBDA x: NOT list_contains(b, x)));
CREATE MACRO presto_array_union(a, b) AS list_distinct(list_concat(a, b));
CREATE MACRO presto_array_remove(a, x) AS list_filter(a, LAMBDA y: y <> x);
CREATE MACRO presto_repeat(a, n) AS list_transform(range(n), LAMBDA i: a);
CREATE MACRO presto_slice(a, start, n) AS CASE WHEN n <= 0 THEN [] WHEN start < 0 THEN list_slice(a, len(a) + start + 1, len(a) + start + n) ELSE list_slice(a, start, start + n - 1) END;
CREATE MACRO presto_all(a) AS coalesce(list_bool_and(a), true);
CREATE MACRO presto_any(a) AS coalesce(list_bool_or(a), false);
CREATE MACRO presto_shuffle(a) AS list_sort(a);
CREATE MACRO presto_map_agg(k, v) AS map_from_entries(list(struct_pack(k := k, v := v)));

-- How values are written: Java's way, 1.0E7 from ten millions on, 1.0E-4 below a thousandth
CREATE MACRO presto_digits(s) AS rtrim(ltrim(replace(replace(split_part(s, 'e', 1), '.', ''), '-', ''), '0'), '0');
CREATE MACRO presto_exponent(s) AS CASE WHEN contains(s, 'e') THEN split_part(s, 'e', 2)::INTEGER + length(ltrim(split_part(split_part(s, 'e', 1), '.', 1), '-')) - 1 WHEN ltrim(split_part(s, '.', 1), '-0') <> '' THEN length(ltrim(split_part(s, '.', 1), '-')) - 1 ELSE -1 - (length(split_part(s, '.', 2)) - length(ltrim(split_part(s, '.', 2), '0'))) END;
CREATE MACRO presto_scientific(s) AS (CASE WHEN s[1] = '-' THEN '-' ELSE '' END) || presto_digits(s)[1] || '.' || (CASE WHEN length(presto_digits(s)) > 1 THEN substring(presto_digits(s), 2) ELSE '0' END) || 'E' || presto_exponent(s);
CREATE MACRO presto_number(a) AS CASE WHEN isnan(a) THEN 'NaN' WHEN isinf(a) THEN (CASE WHEN a > 0 THEN 'Infinity' ELSE '-Infinity' END) WHEN a = 0 OR (abs(a) >= 1e-3 AND abs(a) < 1e7) THEN a::VARCHAR ELSE presto_scientific(a::VARCHAR) END;
CREATE MACRO presto_text(a BIGINT) AS a::VARCHAR,
    (a HUGEINT) AS a::VARCHAR,
    (a FLOAT) AS CASE WHEN isnan(a) OR isinf(a) OR a = 0 THEN replace(presto_number(a), '0.0', '0.0E0') ELSE presto_scientific(a::VARCHAR) END,
    (a DOUBLE) AS CASE WHEN isnan(a) OR isinf(a) THEN presto_number(a) WHEN a = 0 THEN '0.0E0' ELSE presto_scientific(a::VARCHAR) END,
    (a DECIMAL(38,10)) AS rtrim(rtrim(a::VARCHAR, '0'), '.'),
    (a DATE) AS a::VARCHAR,
    (a TIMESTAMP) AS strftime(a, '%Y-%m-%d %H:%M:%S.%g'),
    (a TIMESTAMPTZ) AS strftime(a::TIMESTAMP, '%Y-%m-%d %H:%M:%S.%g UTC'),
    (a VARCHAR) AS a,
    (a BOOLEAN) AS a::VARCHAR, (a) AS a::VARCHAR;
CREATE MACRO presto_bytes(a) AS rtrim(regexp_replace(lower(hex(a)), '(..)', '\1 ', 'g'));
CREATE MACRO presto_hive_boolean(a) AS lower(a) = 'true';
CREATE MACRO presto_hive_millis(a) AS make_timestamp(a::BIGINT * 1000);
CREATE MACRO presto_hive_days(a) AS DATE '1970-01-01' + a::INTEGER;

