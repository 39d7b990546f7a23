"""Parts of forecasting.py: tables of forecasts, and what else combines them."""
