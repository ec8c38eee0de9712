"""One module or folder per AWS service: from parsed parameters to the platform and back."""
