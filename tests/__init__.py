"""Makes `from tests.rig import ...` mean this folder, whatever else is installed."""
