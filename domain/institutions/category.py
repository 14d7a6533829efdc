"""Kinds of institutions, as the application form offers them and decision tables name them."""

from __future__ import annotations

from enum import StrEnum


class Category(StrEnum):
    HEALTH_COMMISSION = "health_commission"
    HOSPITAL = "hospital"
    MATERNAL_CHILD = "maternal_child"
    COMMUNITY_HEALTH = "community_health"
    TOWNSHIP_HEALTH = "township_health"
    VILLAGE_CLINIC = "village_clinic"
    OUTPATIENT = "outpatient"
    CLINIC = "clinic"
    FILED_CLINIC = "filed_clinic"
    NURSING_HOME = "nursing_home"
    EMERGENCY_CENTRE = "emergency_centre"
    BLOOD_STATION = "blood_station"
    CDC = "cdc"
    HEALTH_SUPERVISION = "health_supervision"
    SPECIAL_PREVENTION = "special_prevention"
    SCHOOL = "school"
    RESEARCH = "research"
    OTHER = "other"


CATEGORY_LABELS: dict[Category, str] = {
    Category.HEALTH_COMMISSION: "市州/区县卫健委",
    Category.HOSPITAL: "医院",
    Category.MATERNAL_CHILD: "妇幼保健院",
    Category.COMMUNITY_HEALTH: "社区卫生服务中心（站）",
    Category.TOWNSHIP_HEALTH: "乡镇卫生院",
    Category.VILLAGE_CLINIC: "村卫生室",
    Category.OUTPATIENT: "门诊部",
    Category.CLINIC: "诊所",
    Category.FILED_CLINIC: "备案诊所",
    Category.NURSING_HOME: "护理院（站）",
    Category.EMERGENCY_CENTRE: "急救中心（站）",
    Category.BLOOD_STATION: "采供血机构",
    Category.CDC: "疾病预防控制中心",
    Category.HEALTH_SUPERVISION: "卫生监督机构",
    Category.SPECIAL_PREVENTION: "专科疾病防治院（所、站）",
    Category.SCHOOL: "医药卫生院校",
    Category.RESEARCH: "医学科研机构",
    Category.OTHER: "其他",
}
