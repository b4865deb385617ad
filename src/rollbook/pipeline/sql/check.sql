-- name: ID_DUPLICATE
INSERT INTO found BY NAME
SELECT 'ID_DUPLICATE' AS code, '{collection}' AS collection, "sourcedId" AS id, any_value(page) AS page,
       count(*) || ' records' AS detail
FROM {collection} WHERE "sourcedId" IS NOT NULL GROUP BY "sourcedId" HAVING count(*) > 1
-- name: ID_MISSING
INSERT INTO found BY NAME
SELECT 'ID_MISSING' AS code, '{collection}' AS collection, page, count(*) || ' records' AS detail
FROM {collection} WHERE "sourcedId" IS NULL GROUP BY page
-- name: ID_ODD
INSERT INTO found BY NAME
SELECT 'ID_ODD' AS code, '{collection}' AS collection, "sourcedId" AS id, page
FROM {collection}
WHERE NOT gone AND (length("sourcedId") > 255 OR NOT regexp_full_match("sourcedId", '[0-9A-Za-z._/@-]*'))
-- name: VALUE_UNREADABLE
INSERT INTO found BY NAME
SELECT 'VALUE_UNREADABLE' AS code, '{collection}' AS collection, "sourcedId" AS id, page, 'in ' || trim(odd) AS detail
FROM {collection} WHERE odd IS NOT NULL AND NOT gone
-- name: ORG_PARENT_MISSING
INSERT INTO found BY NAME
SELECT 'ORG_PARENT_MISSING' AS code, 'orgs' AS collection, "sourcedId" AS id, page, "parentSourcedId" AS other
FROM orgs WHERE NOT gone AND "parentSourcedId" IS NOT NULL
  AND "parentSourcedId" NOT IN (SELECT "sourcedId" FROM orgs WHERE "sourcedId" IS NOT NULL)
-- name: ORG_TYPE_UNKNOWN
INSERT INTO found BY NAME
SELECT 'ORG_TYPE_UNKNOWN' AS code, 'orgs' AS collection, "sourcedId" AS id, page, type AS detail
FROM orgs WHERE NOT gone AND NOT starts_with(coalesce(type, ''), 'ext:')
  AND coalesce(type, '') NOT IN ('department', 'district', 'local', 'national', 'school', 'state')
-- name: SESSION_TYPE_UNKNOWN
INSERT INTO found BY NAME
SELECT 'SESSION_TYPE_UNKNOWN' AS code, 'academicSessions' AS collection, "sourcedId" AS id, page, type AS detail
FROM "academicSessions" WHERE NOT gone AND NOT starts_with(coalesce(type, ''), 'ext:')
  AND coalesce(type, '') NOT IN ('gradingperiod', 'semester', 'schoolyear', 'term')
-- name: SESSION_DATES_SWAPPED
INSERT INTO found BY NAME
SELECT 'SESSION_DATES_SWAPPED' AS code, 'academicSessions' AS collection, "sourcedId" AS id, page
FROM "academicSessions" WHERE NOT gone AND "endDate" < "startDate"
-- name: SESSION_DATES_MISSING
INSERT INTO found BY NAME
SELECT 'SESSION_DATES_MISSING' AS code, 'academicSessions' AS collection, "sourcedId" AS id, page
FROM "academicSessions" WHERE NOT gone AND ("endDate" IS NULL OR "startDate" IS NULL)
-- name: SESSION_PARENT_MISSING
INSERT INTO found BY NAME
SELECT 'SESSION_PARENT_MISSING' AS code, 'academicSessions' AS collection, "sourcedId" AS id, page,
       "parentSourcedId" AS other
FROM "academicSessions" WHERE NOT gone AND "parentSourcedId" IS NOT NULL
  AND "parentSourcedId" NOT IN (SELECT "sourcedId" FROM "academicSessions" WHERE "sourcedId" IS NOT NULL)
-- name: SESSION_YEAR_GUESSED
INSERT INTO found BY NAME
SELECT 'SESSION_YEAR_GUESSED' AS code, 'academicSessions' AS collection, id, year::VARCHAR AS detail
FROM sessions WHERE guessed
-- name: COURSE_ORG_MISSING
INSERT INTO found BY NAME
SELECT 'COURSE_ORG_MISSING' AS code, 'courses' AS collection, "sourcedId" AS id, page, "orgSourcedId" AS other
FROM courses WHERE NOT gone AND "orgSourcedId" IS NOT NULL
  AND "orgSourcedId" NOT IN (SELECT "sourcedId" FROM orgs WHERE NOT gone AND "sourcedId" IS NOT NULL)
-- name: COURSE_YEAR_WRONG_TYPE
INSERT INTO found BY NAME
SELECT 'COURSE_YEAR_WRONG_TYPE' AS code, 'courses' AS collection, c."sourcedId" AS id, c.page,
       "schoolYearSourcedId" AS other
FROM courses c JOIN sessions s ON s.id = c."schoolYearSourcedId" WHERE NOT gone AND s.type <> 'schoolyear'
-- name: CLASS_COURSE_MISSING
INSERT INTO found BY NAME
SELECT 'CLASS_COURSE_MISSING' AS code, 'classes' AS collection, "sourcedId" AS id, "schoolSourcedId" AS school, page,
       "courseSourcedId" AS other
FROM classes WHERE NOT gone
  AND NOT exists(SELECT 1 FROM courses c WHERE NOT c.gone AND c."sourcedId" = classes."courseSourcedId")
-- name: CLASS_SCHOOL_MISSING
INSERT INTO found BY NAME
SELECT 'CLASS_SCHOOL_MISSING' AS code, 'classes' AS collection, "sourcedId" AS id, page, "schoolSourcedId" AS other
FROM classes WHERE NOT gone
  AND NOT exists(SELECT 1 FROM orgs o WHERE NOT o.gone AND o."sourcedId" = classes."schoolSourcedId")
-- name: CLASS_SCHOOL_NOT_SCHOOL
INSERT INTO found BY NAME
SELECT 'CLASS_SCHOOL_NOT_SCHOOL' AS code, 'classes' AS collection, c."sourcedId" AS id, "schoolSourcedId" AS school,
       c.page, o.type AS detail
FROM classes c JOIN orgs o ON o."sourcedId" = c."schoolSourcedId" AND NOT o.gone
WHERE NOT c.gone AND o.type IS DISTINCT FROM 'school'
-- name: CLASS_NO_TERM
INSERT INTO found BY NAME
SELECT 'CLASS_NO_TERM' AS code, 'classes' AS collection, "sourcedId" AS id, "schoolSourcedId" AS school, page
FROM classes WHERE NOT gone AND rowid NOT IN (SELECT class_no FROM class_terms WHERE year IS NOT NULL)
-- name: CLASS_TERM_MISSING
INSERT INTO found BY NAME
SELECT 'CLASS_TERM_MISSING' AS code, 'classes' AS collection, c."sourcedId" AS id, "schoolSourcedId" AS school, page,
       t.term AS other
FROM class_terms t JOIN classes c ON c.rowid = t.class_no
WHERE t.year IS NULL AND t.class_no IN (SELECT class_no FROM class_terms WHERE year IS NOT NULL)
-- name: CLASS_NO_TEACHER
INSERT INTO found BY NAME
SELECT 'CLASS_NO_TEACHER' AS code, 'classes' AS collection, "sourcedId" AS id, "schoolSourcedId" AS school, page
FROM classes WHERE NOT gone AND rowid NOT IN (SELECT class_no FROM class_people WHERE teachers > 0)
-- name: CLASS_NO_STUDENT
INSERT INTO found BY NAME
SELECT 'CLASS_NO_STUDENT' AS code, 'classes' AS collection, "sourcedId" AS id, "schoolSourcedId" AS school, page
FROM classes WHERE NOT gone AND rowid NOT IN (SELECT class_no FROM class_people WHERE students > 0)
-- name: USER_USERNAME_SPACE
INSERT INTO found BY NAME
SELECT 'USER_USERNAME_SPACE' AS code, 'users' AS collection, "sourcedId" AS id, "orgSourcedIds"[1] AS school, page
FROM users WHERE NOT gone AND regexp_matches({username}, '[\s\pZ]')
-- name: USER_NO_LOGIN
INSERT INTO found BY NAME
SELECT 'USER_NO_LOGIN' AS code, 'users' AS collection, "sourcedId" AS id, "orgSourcedIds"[1] AS school, page
FROM users WHERE NOT gone AND {username} IS NULL AND {email} IS NULL
-- name: USER_UNIQUE_ID_MISSING
INSERT INTO found BY NAME
SELECT 'USER_UNIQUE_ID_MISSING' AS code, 'users' AS collection, "sourcedId" AS id, "orgSourcedIds"[1] AS school, page
FROM users WHERE NOT gone AND {unique_id} IS NULL AND "sourcedId" IS NOT NULL
-- name: USER_UNIQUE_ID_DUPLICATE
{doubled:USER_UNIQUE_ID_DUPLICATE:{unique_id}}
-- name: USER_USERNAME_DUPLICATE
{doubled:USER_USERNAME_DUPLICATE:lower({username})}
-- name: USER_EMAIL_DUPLICATE
{doubled:USER_EMAIL_DUPLICATE:lower({email})}
-- name: USER_NO_ORG
INSERT INTO found BY NAME
SELECT 'USER_NO_ORG' AS code, 'users' AS collection, "sourcedId" AS id, page
FROM users WHERE NOT gone AND NOT exists(
    SELECT 1 FROM belongs b JOIN orgs o ON o."sourcedId" = b.org AND NOT o.gone WHERE b.user_no = users.rowid)
-- name: USER_ORG_MISSING
INSERT INTO found BY NAME
SELECT DISTINCT 'USER_ORG_MISSING' AS code, 'users' AS collection, u."sourcedId" AS id, page, b.org AS other
FROM belongs b JOIN users u ON u.rowid = b.user_no
WHERE NOT exists(SELECT 1 FROM orgs o WHERE o."sourcedId" = b.org AND NOT o.gone)
  AND exists(SELECT 1 FROM belongs x JOIN orgs o ON o."sourcedId" = x.org WHERE x.user_no = b.user_no)
-- name: USER_NO_ROLE
INSERT INTO found BY NAME
SELECT 'USER_NO_ROLE' AS code, 'users' AS collection, u."sourcedId" AS id, any_value(u."orgSourcedIds"[1]) AS school,
       any_value(u.page) AS page
FROM users u JOIN belongs b ON b.user_no = u.rowid WHERE NOT u.gone GROUP BY u."sourcedId" HAVING count(b.role) = 0
-- name: USER_ROLE_UNKNOWN
INSERT INTO found BY NAME
SELECT DISTINCT 'USER_ROLE_UNKNOWN' AS code, 'users' AS collection, u."sourcedId" AS id, b.org AS school, u.page,
       b.role AS detail
FROM belongs b JOIN users u ON u.rowid = b.user_no
WHERE b.role NOT IN {roles} AND NOT starts_with(b.role, 'ext:')
-- name: USER_AGENT_MISSING
INSERT INTO found BY NAME
SELECT 'USER_AGENT_MISSING' AS code, 'users' AS collection, a.id, a.page, a.agent AS other
FROM (SELECT "sourcedId" AS id, page, unnest("agentSourcedIds") AS agent FROM users WHERE NOT gone) a
ANTI JOIN users_no n ON n.id = a.agent
-- name: USER_TWO_PRIMARY_ROLES
INSERT INTO found BY NAME
SELECT 'USER_TWO_PRIMARY_ROLES' AS code, 'users' AS collection, u."sourcedId" AS id, b.org AS school,
       any_value(u.page) AS page
FROM belongs b JOIN users u ON u.rowid = b.user_no WHERE b.main_role
GROUP BY u."sourcedId", b.org HAVING count(DISTINCT b.role) > 1
-- name: USER_PRIMARY_ORG_NO_ROLE
INSERT INTO found BY NAME
SELECT 'USER_PRIMARY_ORG_NO_ROLE' AS code, 'users' AS collection, "sourcedId" AS id, page, "primaryOrgSourcedId" AS other
FROM users WHERE NOT gone AND "primaryOrgSourcedId" IS NOT NULL
  AND rowid NOT IN (SELECT user_no FROM belongs WHERE primary_org)
-- name: ENROLLMENT_CLASS_MISSING
INSERT INTO found BY NAME
SELECT 'ENROLLMENT_CLASS_MISSING' AS code, 'enrollments' AS collection, "sourcedId" AS id,
       "schoolSourcedId" AS school, page,
       coalesce("classSourcedId", (SELECT c."sourcedId" FROM classes c WHERE c.rowid = class_no)) AS other
FROM enrollments WHERE NOT gone AND (class_no IS NULL OR class_no IN (SELECT rowid FROM classes WHERE gone))
-- name: ENROLLMENT_USER_MISSING
INSERT INTO found BY NAME
SELECT 'ENROLLMENT_USER_MISSING' AS code, 'enrollments' AS collection, "sourcedId" AS id,
       "schoolSourcedId" AS school, page,
       coalesce("userSourcedId", (SELECT u."sourcedId" FROM users u WHERE u.rowid = user_no)) AS other
FROM enrollments WHERE NOT gone AND (user_no IS NULL OR user_no IN (SELECT rowid FROM users WHERE gone))
-- name: ENROLLMENT_ROLE_UNKNOWN
INSERT INTO found BY NAME
SELECT 'ENROLLMENT_ROLE_UNKNOWN' AS code, 'enrollments' AS collection, "sourcedId" AS id,
       "schoolSourcedId" AS school, page, role AS detail
FROM enrollments WHERE NOT gone AND coalesce(role, '') NOT IN {roles}
-- name: ENROLLMENT_DATES_SWAPPED
INSERT INTO found BY NAME
SELECT 'ENROLLMENT_DATES_SWAPPED' AS code, 'enrollments' AS collection, "sourcedId" AS id,
       "schoolSourcedId" AS school, page
FROM enrollments WHERE NOT gone AND "endDate" < "beginDate"
-- name: ENROLLMENT_OUTSIDE_TERM
INSERT INTO found BY NAME
SELECT 'ENROLLMENT_OUTSIDE_TERM' AS code, 'enrollments' AS collection, e."sourcedId" AS id,
       e."schoolSourcedId" AS school, e.page
FROM enrollments e
JOIN (SELECT class_no, min(first_day) AS first_day, max(end_date) AS end_date FROM class_terms
      WHERE year IS NOT NULL GROUP BY class_no) t USING (class_no)
WHERE NOT e.gone AND (e."beginDate" < t.first_day OR e."endDate" > t.end_date)
-- name: ENROLLMENT_SCHOOL_DIFFERS
INSERT INTO found BY NAME
SELECT 'ENROLLMENT_SCHOOL_DIFFERS' AS code, 'enrollments' AS collection, e."sourcedId" AS id, c.school, e.page,
       e."schoolSourcedId" AS other
FROM enrollments e JOIN (SELECT rowid::INTEGER AS class_no, "schoolSourcedId" AS school FROM classes) c USING (class_no)
WHERE NOT e.gone AND e."schoolSourcedId" <> c.school
