"""LTI 1.3: an LMS as the platform, Rollbook as the tool. Judges messages; `rollbook.web.launches` lets people in.

Sections are those of 1EdTech's LTI Core 1.3, Security Framework 1.0 and LTI Dynamic Registration 1.0.
"""
