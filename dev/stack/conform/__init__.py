"""./dev/conform: what real AWS answers, compared with the stand-in and with the recorded answers.

* `accounts`: the credentials of a vendor and one or two customers
* `plan`: what a run creates, and what it costs at most
* `names`: names and tags by which a run finds what it created
* `probe_rows`, `ablation`, `templates`: the three parts
* `product`: Latchkey with the vendor's credentials
* `answers`: answers without what differs from run to run, and their comparison
* `cleanup`: deletes everything
"""
