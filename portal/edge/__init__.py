"""In front of everything: what a web server should refuse before an application sees it, and who gets the rest."""
