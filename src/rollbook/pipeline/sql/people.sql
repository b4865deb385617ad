-- name: belongs
-- Who belongs where, in which role: 1.1 gives users one role and many orgs, 1.2 has roles of their own.
CREATE TABLE belongs AS
WITH flat AS (
    SELECT rowid::INTEGER AS user_no, unnest("orgSourcedIds") AS org, generate_subscripts("orgSourcedIds", 1) AS place,
           role, true AS main_role
    FROM users WHERE NOT gone
), nested AS (
    SELECT u.no AS user_no, r."orgSourcedId" AS org, r.rowid AS place, r.role,
           coalesce(r."roleType", 'primary') = 'primary' AS main_role
    FROM roles r JOIN users_no u ON u.id = r."userSourcedId"
    WHERE NOT r.gone AND (r."beginDate" IS NULL OR r."beginDate" <= $today + 14)
      AND (r."endDate" IS NULL OR r."endDate" >= $today)
)
SELECT b.*, u."primaryOrgSourcedId" IS NOT DISTINCT FROM b.org AS primary_org
FROM (SELECT * FROM flat UNION ALL SELECT * FROM nested) b JOIN users u ON u.rowid = b.user_no
-- name: sessions
-- The school year of every session: its own, its nearest ancestor's, else guessed from the end date (a year that ends
-- by July ends in that year).
CREATE TABLE sessions AS
WITH RECURSIVE up(id, parent, year, depth) AS (
    SELECT "sourcedId", "parentSourcedId", "schoolYear", 0 FROM "academicSessions" WHERE NOT gone
    UNION ALL
    SELECT up.id, s."parentSourcedId", s."schoolYear", depth + 1
    FROM up JOIN "academicSessions" s ON s."sourcedId" = up.parent WHERE up.year IS NULL AND depth < 8
), known AS (SELECT id, max(year) AS year FROM up GROUP BY id)
SELECT s."sourcedId" AS id, any_value(s.title) AS title, any_value(s.type) AS type,
       min(s."startDate") AS first_day, max(s."endDate") AS end_date,
       any_value(coalesce(k.year, year(s."endDate") + (month(s."endDate") > 7)::INTEGER)) AS year,
       any_value(k.year IS NULL) AS guessed
FROM "academicSessions" s JOIN known k ON k.id = s."sourcedId"
WHERE NOT s.gone AND s."startDate" <= s."endDate"
GROUP BY s."sourcedId"
-- name: class_terms
CREATE TABLE class_terms AS
SELECT c.class_no, c.term, s.year, s.first_day, s.end_date
FROM (SELECT rowid::INTEGER AS class_no, unnest(list_distinct("termSourcedIds")) AS term FROM classes WHERE NOT gone) c
LEFT JOIN sessions s ON s.id = c.term
