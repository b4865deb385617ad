-- name: people
-- Everybody who may be provisioned, by row number. `frozen` people are present but must not be touched. Who has an
-- `enabledUser` that nobody can read may be disabled.
CREATE TABLE people AS
SELECT u.rowid::INTEGER AS user_no, u.{unique_id} AS unique_id,
       coalesce("enabledUser", NOT contains(coalesce(u.odd, ''), 'enabledUser ')) AS enabled, {excluded} AS excluded
FROM users u ANTI JOIN blocked_users b ON b.no = u.rowid
WHERE NOT u.gone AND u.{unique_id} IS NOT NULL
-- name: candidate
-- A person's places in mapped schools with a role that syncs (rules 11, 12); guardians follow their students instead.
CREATE TABLE candidate AS
SELECT b.user_no, b.org, s.building, m.value AS lms_role, b.role AS sis_role, m.rank, b.primary_org,
       coalesce(l.school = b.org, false) AS current_main, min(b.place) OVER (PARTITION BY b.user_no, b.org) AS place
FROM belongs b JOIN school s ON s.org = b.org
JOIN map_role m ON m.org = b.org AND m.role = b.role AND m.value <> 'skip' AND NOT m.guardian
JOIN people p ON p.user_no = b.user_no AND p.enabled AND NOT p.excluded
LEFT JOIN (SELECT key, school FROM ledger_user) l ON l.key = p.unique_id
-- name: main_place
CREATE TABLE main_place AS
SELECT user_no, org, building, lms_role, sis_role FROM candidate
QUALIFY row_number() OVER (PARTITION BY user_no ORDER BY primary_org DESC, current_main DESC, place, rank) = 1
-- name: links
-- Who is whose guardian: either side may say so (4.7); only with a student who syncs (rule 15).
CREATE TABLE links AS
WITH named AS (
    SELECT rowid::INTEGER AS user_no, "sourcedId" AS id, unnest("agentSourcedIds") AS agent FROM users WHERE NOT gone
), pairs AS (
    SELECT n.user_no AS one, a.no AS other FROM named n JOIN users_no a ON a.id = n.agent
), guardians AS (
    SELECT DISTINCT user_no, role FROM belongs WHERE role IN ('guardian', 'parent', 'relative')
), both_ways AS (SELECT one, other FROM pairs UNION SELECT other, one FROM pairs)
SELECT DISTINCT s.user_no AS student_no, s.org, s.building, g.user_no AS guardian_no, m.value AS lms_role,
       sp.unique_id AS student, gp.unique_id AS guardian
FROM both_ways b JOIN main_place s ON s.user_no = b.one AND s.sis_role = 'student'
JOIN guardians g ON g.user_no = b.other
JOIN map_role m ON m.org = s.org AND m.role = g.role AND m.value <> 'skip'
JOIN people gp ON gp.user_no = g.user_no AND gp.enabled AND NOT gp.excluded
JOIN people sp ON sp.user_no = s.user_no
WHERE {guardians}
-- name: guardian_places
INSERT INTO main_place
SELECT l.guardian_no, l.org, l.building, l.lms_role, 'guardian'
FROM links l LEFT JOIN (SELECT key, school FROM ledger_user) o ON o.key = l.guardian
ANTI JOIN main_place m ON m.user_no = l.guardian_no
QUALIFY row_number() OVER (PARTITION BY l.guardian_no ORDER BY coalesce(o.school = l.org, false) DESC, l.student) = 1
-- name: other_places
CREATE TABLE other_places AS
SELECT m.user_no, list_sort(list_distinct(list(o.building))) AS buildings
FROM main_place m
JOIN (SELECT user_no, building FROM candidate UNION SELECT guardian_no, building FROM links) o
  ON o.user_no = m.user_no AND o.building <> m.building
GROUP BY m.user_no
-- name: kept_places
-- Buildings given before that are not mapped any more stay where they were given (rule 1).
CREATE TABLE kept_places AS
SELECT g.key, list(g.building) AS buildings
FROM (
    SELECT key, unnest(additional_buildings) AS building FROM ledger_user
    UNION ALL
    SELECT u.key, u.building FROM ledger_user u ANTI JOIN school s ON s.org = u.school
) g ANTI JOIN school s ON s.building = g.building
WHERE g.building IS NOT NULL GROUP BY g.key
-- name: desired_user
CREATE TABLE desired_user AS
SELECT p.unique_id AS key, u."givenName" AS first_name, u."familyName" AS last_name, u."middleName" AS middle_name,
       {preferred} AS preferred_first_name, {username} AS username, {email} AS email, m.lms_role AS role, m.building,
       CASE WHEN l.key IS NULL THEN coalesce(o.buildings, [])
            ELSE list_sort(list_distinct(list_concat(coalesce(o.buildings, []), l.buildings)))
       END AS additional_buildings,
       {graduation_year} AS graduation_year, m.org AS school, CAST(NULL AS VARCHAR) AS year, p.user_no, m.sis_role
FROM main_place m JOIN people p USING (user_no) JOIN users u ON u.rowid = p.user_no
LEFT JOIN other_places o USING (user_no)
LEFT JOIN kept_places l ON l.key = p.unique_id
-- name: usernames_refused
-- Shown before anything is sent; the account itself is refused only when it is.
INSERT INTO found BY NAME
SELECT 'USER_USERNAME_REFUSED' AS code, 'users' AS collection, u."sourcedId" AS id, d.school, u.page
FROM desired_user d JOIN users u ON u.rowid = d.user_no
WHERE d.username IS NULL OR NOT regexp_full_match(d.username, $usernames)
-- name: desired_guardian_link
CREATE TABLE desired_guardian_link AS
SELECT student, guardian, min(org) AS school, CAST(NULL AS VARCHAR) AS year FROM links GROUP BY ALL
-- name: active_class
CREATE TABLE active_class AS
SELECT c.rowid::INTEGER AS no, c."sourcedId" AS id, c."courseSourcedId" AS course, c."schoolSourcedId" AS org,
       s.building, s.code AS building_code
FROM classes c JOIN school s ON s.org = c."schoolSourcedId"
SEMI JOIN (SELECT class_no FROM class_terms WHERE year = $year) t ON t.class_no = c.rowid
ANTI JOIN blocked_classes b ON b.no = c.rowid
LEFT JOIN (SELECT "sourcedId" AS id, any_value(subjects) AS subjects, any_value("courseCode") AS code
           FROM courses WHERE NOT gone GROUP BY 1) k ON k.id = c."courseSourcedId"
WHERE NOT c.gone AND NOT ({class_excluded})
-- name: desired_course
-- The code is the building's and the course's, which no other course may have or have had (rule 16).
CREATE TABLE desired_course AS
WITH used AS (
    SELECT a.course, a.building, any_value(a.building_code) AS building_code, min(a.org) AS school, max(a.org) <> min(a.org) AS shared
    FROM active_class a GROUP BY a.course, a.building
), coded AS (
    SELECT u.course || '|' || u.building AS key, u.*, c.title, c."courseCode" AS code,
           building_code || '-' || coalesce(c."courseCode", u.course) AS short, building_code || '-' || u.course AS long
    FROM used u JOIN (SELECT * FROM courses WHERE NOT gone QUALIFY row_number() OVER (PARTITION BY "sourcedId") = 1) c
      ON c."sourcedId" = u.course
    ANTI JOIN blocked_courses b ON b.id = u.course
), named AS (
    SELECT c.*, l.code AS own,
           count(*) OVER (PARTITION BY lower(short)) = 1 AND (x.key IS NULL OR x.key = c.key) AS alone
    FROM coded c LEFT JOIN ledger_course l ON l.key = c.key
    LEFT JOIN (SELECT lower(code) AS code, min(key) AS key FROM ledger_course GROUP BY 1) x ON x.code = lower(c.short)
), taken AS (
    SELECT lower(short) AS code FROM named WHERE alone UNION SELECT lower(code) FROM ledger_course
)
SELECT key, coalesce(title, course) AS title,
       coalesce(own, CASE WHEN alone THEN short
                          WHEN lower(long) IN (FROM taken) THEN long || '-' || left(md5(key), 8) ELSE long END) AS code,
       building, school, CAST(NULL AS VARCHAR) AS year, code AS plain_code, short
FROM named
-- name: class_periods
CREATE TABLE class_periods AS
SELECT a.no, list_sort(list_distinct(list(m.period))) AS periods, max(t.end_date) AS end_date,
       string_agg(DISTINCT s.title, ', ' ORDER BY s.title) AS terms, min(g."start") AS first_day, max(g."end") AS last_day
FROM active_class a JOIN class_terms t ON t.class_no = a.no AND t.year = $year
JOIN map_term m ON m.org = a.org AND m.session = t.term JOIN sessions s ON s.id = t.term
LEFT JOIN desired_grading_period g ON g.key = m.period
GROUP BY a.no
-- name: desired_section
CREATE TABLE desired_section AS
SELECT a.id AS key, coalesce(nullif(trim({title}), ''), a.id) AS title, a.course || '|' || a.building AS course,
       p.periods AS grading_periods, c.location, CASE WHEN {dated} THEN p.first_day END AS "start",
       CASE WHEN {dated} THEN p.last_day END AS "end", a.org AS school, CAST($year AS VARCHAR) AS year, a.no AS class_no,
       p.end_date - $exclusive AS last_day
FROM active_class a JOIN class_periods p USING (no) JOIN classes c ON c.rowid = a.no
LEFT JOIN (SELECT "sourcedId" AS id, any_value(title) AS title FROM courses GROUP BY 1) k ON k.id = a.course
ANTI JOIN blocked_courses b ON b.id = a.course
-- name: want_enrollment
-- Live on the section's day: today, or its last day when that has passed, for then the roster stays (rules 19, 20).
CREATE TABLE want_enrollment AS
SELECT s.class_no, u.user_no, bool_or({admin}) AS admin
FROM enrollments e
JOIN (SELECT class_no, least($today, last_day) AS day FROM desired_section) s ON s.class_no = e.class_no
JOIN (SELECT user_no, role FROM desired_user) u ON u.user_no = e.user_no
ANTI JOIN blocked_enrollments b ON b.id = e."sourcedId"
WHERE NOT e.gone AND e."sourcedId" IS NOT NULL AND e.role NOT IN ('guardian', 'parent', 'relative')
  AND (e."beginDate" IS NULL OR e."beginDate" <= s.day + $before)
  AND (e."endDate" IS NULL OR e."endDate" - $exclusive >= s.day)
GROUP BY s.class_no, u.user_no
-- name: not_provisioned
INSERT INTO found BY NAME
SELECT 'USER_NOT_PROVISIONED' AS code, 'users' AS collection, u."sourcedId" AS id, any_value(s.school) AS school,
       any_value(u.page) AS page, count(*) AS dependants
FROM enrollments e JOIN desired_section s ON s.class_no = e.class_no JOIN people p ON p.user_no = e.user_no
JOIN users u ON u.rowid = e.user_no ANTI JOIN desired_user d ON d.user_no = e.user_no
WHERE NOT e.gone AND p.enabled AND NOT p.excluded GROUP BY u."sourcedId"
-- name: gone_excluded
-- What the SIS marks as gone, and was to be left out.
CREATE TABLE gone_excluded AS
SELECT 'user' AS kind, u.{unique_id} AS key FROM users u WHERE u.gone AND {excluded}
UNION ALL
SELECT 'section', c."sourcedId"
FROM classes c LEFT JOIN (SELECT "sourcedId" AS id, any_value(subjects) AS subjects, any_value("courseCode") AS code
                          FROM courses GROUP BY 1) k ON k.id = c."courseSourcedId"
WHERE c.gone AND {class_excluded}
