-- name: user
-- Who the SIS lists and the LMS shall not have, and whom the ledger has and the SIS does not list. Names only of people
-- who would sync if nothing were wrong with them: a mapped school, and a role that is not left out.
WITH left_over AS (
    SELECT u.rowid::INTEGER AS user_no, u.{unique_id} AS key, u.* FROM users u
    WHERE NOT u.gone AND u."sourcedId" IS NOT NULL AND u.rowid NOT IN (SELECT user_no FROM desired_user)
), places AS (
    SELECT b.user_no, bool_or(s.org IS NOT NULL) AS mapped, bool_or(m.value IS NOT NULL) AS role_map,
           bool_or(coalesce(m.value, 'skip') <> 'skip') AS role_syncs, bool_or(coalesce(m.guardian, false)) AS guardian,
           coalesce(min(b.org) FILTER (s.org IS NOT NULL), min(b.org)) AS school,
           list_sort(list_distinct(list(b.org))) AS schools, string_agg(DISTINCT b.role, ', ' ORDER BY b.role) AS roles
    FROM belongs b SEMI JOIN left_over l ON l.user_no = b.user_no
    LEFT JOIN school s ON s.org = b.org LEFT JOIN map_role m ON m.org = b.org AND m.role = b.role
    GROUP BY b.user_no
), judged AS (
    SELECT l.key, l."sourcedId" AS id, p.school, coalesce(p.mapped AND p.role_syncs, false) AS named,
           CASE WHEN l.user_no IN (SELECT no FROM blocked_users) THEN 'blocked'
                WHEN NOT coalesce(x.enabled, true) THEN 'disabled'
                WHEN x.excluded THEN 'excluded'
                WHEN NOT coalesce(p.mapped, false) THEN 'school'
                WHEN NOT p.role_map THEN 'no_role_map'
                WHEN NOT p.role_syncs THEN 'role'
                WHEN p.guardian THEN 'guardian' ELSE 'other' END AS reason,
           l."givenName" AS first_name, l."familyName" AS last_name, {username} AS username, l.email, p.roles, p.schools
    FROM (SELECT * FROM left_over) l LEFT JOIN places p USING (user_no)
    LEFT JOIN people x ON x.user_no = l.user_no
)
SELECT key, id, school, reason,
       CASE WHEN named THEN first_name END AS first_name, CASE WHEN named THEN last_name END AS last_name,
       CASE WHEN named THEN username END AS username, CASE WHEN named THEN email END AS email,
       CASE WHEN named THEN roles END AS roles, CASE WHEN named THEN schools END AS schools
FROM judged
UNION ALL BY NAME
SELECT l.key, l.school, 'gone' AS reason FROM ledger_user l
WHERE $whole AND NOT exists(SELECT 1 FROM present_user p WHERE p.unique_id = l.key)
UNION ALL BY NAME
SELECT d.key, u."sourcedId" AS id, d.school, 'synced' AS reason FROM desired_user d JOIN users u ON u.rowid = d.user_no
WHERE $other_id
ORDER BY last_name IS NULL, key, id
-- name: section
SELECT c."sourcedId" AS key, c.title, c."classCode" AS code, c."schoolSourcedId" AS school,
       CASE WHEN c.rowid IN (SELECT no FROM blocked_classes) THEN 'blocked'
            WHEN c."schoolSourcedId" NOT IN (SELECT org FROM school) THEN 'school'
            WHEN c.rowid NOT IN (SELECT class_no FROM class_terms WHERE year = $year) THEN 'year'
            WHEN c.rowid NOT IN (SELECT no FROM active_class) THEN 'excluded'
            WHEN c.rowid NOT IN (SELECT no FROM class_periods) THEN 'term' ELSE 'blocked' END AS reason
FROM classes c
WHERE NOT c.gone AND c."sourcedId" IS NOT NULL AND c.rowid NOT IN (SELECT class_no FROM desired_section)
UNION ALL BY NAME
SELECT l.key, l.title, l.school, 'gone' AS reason FROM ledger_section l
WHERE $whole AND l.year = CAST($year AS VARCHAR)
  AND NOT exists(SELECT 1 FROM classes_no n JOIN classes c ON c.rowid = n.no AND NOT c.gone WHERE n.id = l.key)
ORDER BY key
-- name: enrollment
-- Of sections and people that sync: what begins later, has ended, is wrong in itself, or is a guardian's.
SELECT s.key AS section, u.key AS "user", e."sourcedId" AS id, s.school,
       CASE WHEN e.role IN ('guardian', 'parent', 'relative') THEN 'guardian'
            WHEN e."sourcedId" IS NULL OR e."sourcedId" IN (SELECT id FROM blocked_enrollments) THEN 'blocked'
            WHEN e."beginDate" > s.day + $before THEN 'begins' ELSE 'ended' END AS reason,
       e."beginDate" AS begins, e."endDate" AS ends, e."beginDate" - $before AS given
FROM enrollments e
JOIN (SELECT key, class_no, school, least($today, last_day) AS day FROM desired_section) s ON s.class_no = e.class_no
JOIN (SELECT key, user_no FROM desired_user) u ON u.user_no = e.user_no
WHERE NOT e.gone
  AND (e.role IN ('guardian', 'parent', 'relative') OR e."beginDate" > s.day + $before
       OR e."endDate" - $exclusive < s.day OR e."sourcedId" IS NULL
       OR e."sourcedId" IN (SELECT id FROM blocked_enrollments))
ORDER BY section, "user"
