"""Schedules: times at which an app is started again by itself."""
