"""What machines write when mail comes back, in the languages of those whom recruiters write to.

Every pattern is searched in one short text (`plain_words()`), and none repeats a repetition, so none can be made slow.
"""

from __future__ import annotations

import re

_MOST = 20_000
_PLAIN = str.maketrans({"\u2019": "'", "\u2018": "'", "\u00b4": "'", "\u00a0": " ", "\u202f": " ", "\u2011": "-"})


def plain_words(text: str) -> str:
    """Give the beginning of a text as the patterns here expect it: one line, lower case, plain apostrophes."""
    return " ".join(text[:_MOST].translate(_PLAIN).casefold().split())


def _any(*patterns: str, start: str = "") -> re.Pattern[str]:
    return re.compile(start + "(?:" + "|".join(patterns) + ")")


MAILER_LOCALS = re.compile(
    r"(?:mailer-?daemon|mail-?daemon|mdaemon|postmaster|mailer|maildelivery(?:subsystem|system)?|mail-delivery-system|"
    r"mail\.delivery\.(?:sub)?system|bounces?|bounce[-+_=].{0,200}|delivery|delivery-notification|undeliverable|"
    r"microsoftexchange[0-9a-f]{8,40}|mmdf|smtp-?daemon|double-bounce)"
)
"""The local parts under which mail servers write."""

MAILER_NAMES = _any(
    "mail delivery (?:sub)?system",
    "mailer[- ]daemon",
    "mail delivery service",
    "mail administrator",
    "delivery subsystem",
    "mail deliver system",
    "mail system",
)

BOUNCE_SUBJECTS = _any(
    r"undeliver(?:able|ed)",
    r"un-?deliverable",
    r"non-?deliver(?:y|able)",
    r"deliver(?:y|ing) (?:status notification|has failed|failure|failed|report|error|problem|notification)",
    r"returned (?:mail|e?-?mail|to sender)",
    r"mail (?:delivery )?(?:failed|failure|error|problem|system error|could not)",
    r"failure (?:notice|delivery)",
    r"(?:could not|cannot|couldn't|not|wasn't|was not) (?:be )?delivered",
    r"message (?:not|un)",
    r"address not found",
    r"unzustellbar",
    r"nicht (?:zugestellt|zustellbar)",
    r"zustell(?:ung|ungs)\s?(?:fehl|gescheitert|nicht)",
    r"zustellungsfehler|unzustellbarkeit|fehler bei der zustellung|rückläufer",
    r"non[- ](?:remis|délivré|distribu|livré)",
    r"échec (?:de|d')",
    r"(?:message|courrier) refusé",
    r"no (?:se (?:puede|pudo|ha podido) entregar|entregado|entregable)",
    r"(?:error|fallo) (?:de|en la) entrega|correo devuelto|devuelto",
    r"impossibile (?:recapitare|consegnare)|non recapitabile|manc(?:ato|ata) (?:recapito|consegna)",
    r"não (?:é possível entregar|foi entregue|entregue|pôde ser)|falha (?:na|no|de) (?:entrega|envio)",
    r"onbestelbaar|niet (?:bezorgd|afgeleverd)|kan niet worden (?:bezorgd|afgeleverd)|(?:bezorging|aflevering) mislukt",
    r"niedostarcz|nie (?:można|udało się) dostarczyć|zwrot wiadomości",
    r"det går inte att leverera|kan inte levereras|ej levererat|ikke lever(?:et|t)|kan ikke leveres|ulevert",
    r"ei voitu toimittaa|toimittamat",
    r"nedoručiteln|nelze doručit|nedoručen",
    r"nu (?:s-a putut livra|poate fi livrat)|nelivrat",
    r"kézbesíthetetlen|nem kézbesíthető",
    r"teslim edileme",
    r"недоставлен|не доставлен|невозможно доставить",
    r"αδύνατη η παράδοση|δεν παραδόθηκε",
    r"配信不能|配信できません|送信できません|配送できません|配達できません",
    r"无法送达|退信|无法投递|無法傳遞|無法傳送|未送达",
    r"배달되지|반송|전송 실패",
)

BOUNCE_PHRASES = _any(
    r"(?:could not|couldn't|cannot|can't|can not|wasn't|was not|were not|has not been|not be|unable to be) delivered",
    r"(?:could not|couldn't|cannot|can not) be (?:delivered|reached)",
    r"(?:unable|wasn't able|not able|failed) to deliver",
    r"did ?n[o']t reach (?:the following|some or all)",
    r"delivery (?:to the following|has failed|failed|to these recipients)",
    r"(?:permanent|fatal) (?:fatal )?errors?",
    r"permanent failure",
    r"following address(?:es)? failed",
    r"undeliverable|returned to sender",
    r"konnte(?:n)? (?:leider )?nicht (?:[\w ]{0,60})?(?:zugestellt|ausgeliefert|übermittelt) werden",
    r"nicht zugestellt|fehler bei der zustellung",
    r"n'(?:a|ont) pas pu être (?:remis|distribué|délivré|livré|envoyé|acheminé)",
    r"impossible (?:de|d') ?(?:remettre|distribuer|délivrer|acheminer)",
    r"no (?:se )?(?:pudo|puede|ha podido|pudieron) (?:ser )?entrega",
    r"non (?:è stato possibile|può essere|è stata|ha potuto) (?:recapita|consegna)",
    r"não (?:pôde|foi possível|pode) (?:ser )?entreg",
    r"(?:kon|kan) niet (?:worden )?(?:bezorgd|afgeleverd)",
    r"nie (?:mogła|można|udało się|została?) (?:zostać )?dostarcz",
    r"(?:kunde|kan) inte levereras|kunne ikke (?:leveres|levere)",
    r"nelze doručit|nebyla doručena",
    r"не (?:может быть|было|удалось|была) доставл|не удалось доставить",
    r"配信できません|送信できません|配送できません|届きませんでした",
    r"无法送达|无法投递|未能送达|無法傳遞|退回",
    r"배달되지 (?:않|못)|전송하지 못",
)

DELAY_PHRASES = _any(
    r"warning message only",
    r"(?:delivery|message|mail)[\w ,:'<>@.-]{0,80} (?:is|was|has been|been|will be)? ?delayed",
    r"delivery status notification \(delay\)",
    r"delivery (?:incomplete|delayed)",
    r"could not send message for",
    r"(?:not|n't) (?:yet )?been delivered (?:yet|so far)|not yet been delivered",
    r"(?:will|is|are|keep) (?:continue |still |keep |be )?(?:to be )?(?:retry|retried|try|trying)",
    r"still (?:being retried|trying)",
    r"verzögert|verzögerung|weitere zustellversuche|noch nicht zugestellt",
    r"(?:remise|distribution|message|livraison)[\w ']{0,30} (?:retardée?|différée?)",
    r"(?:entrega|mensaje)[\w ]{0,30} (?:retrasad|demorad|atrasad)",
    r"(?:recapito|consegna)[\w ]{0,30} ritardat",
    r"bezorging[\w ]{0,30} vertraagd|opóźnion|försenad|forsinket",
)

AUTO_SUBJECTS = _any(
    r"auto(?:matic|matisch|mated)?[- ]?(?:reply|response|responder|respuesta|respond|generated reply)",
    r"auto(?:reply|antwort|svar|vastaus|odpowiedź)",
    r"auto: ",
    r"\W{0,2}out[- ]of[- ](?:the[- ])?office",
    r"\W{0,2}ooo\b",
    r"vacation(?: |:|$)",
    r"(?:i am |i'm )?(?:away from|out of) (?:my|the) (?:office|desk|mail|email)",
    r"(?:on )?(?:annual|parental|maternity|paternity|sick|medical) leave",
    r"abwesen(?:d|heit)",
    r"automatische (?:antwort|abwesenheit|e-?mail|nachricht)",
    r"nicht im (?:büro|haus|office)",
    r"urlaubs?(?:benachrichtigung|meldung|vertretung|abwesenheit)",
    r"réponse automatique|réponse auto|message d'absence|absence(?: du bureau)?(?: ?:|$)",
    r"absente? du bureau|en congés?\b",
    r"respuesta (?:automática|automatica)|fuera de (?:la )?oficina|ausente|ausencia",
    r"risposta automatica|fuori (?:sede|ufficio)|assenza|assente",
    r"resposta automática|fora (?:do escritório|da empresa)|ausência",
    r"automatisch(?:e)? (?:antwoord|beantwoord|bericht)|afwezig",
    r"automatisk(?:t)? svar|frånvaro|fravær|ikke på kontoret|inte på kontoret",
    r"automaattinen vastaus|poissa(?:olo)?",
    r"odpowiedź automatyczna|automatyczna odpowiedź|poza biurem|nieobecność",
    r"automatická odpov|mimo kancelář|nepřítomn",
    r"automatikus válasz|házon kívül",
    r"răspuns automat|nu sunt la birou",
    r"otomatik yanıt|ofis dışında",
    r"автоответ|автоматический ответ|вне офиса",
    r"αυτόματη απάντηση|εκτός γραφείου",
    r"自動応答|自動返信|不在",
    r"自动答复|自动回复|自動回覆|不在办公室",
    r"자동 ?(?:회신|응답)|부재중",
    start=r"^\s*",
)
"""How the subject of an automatic answer begins; people begin with a `Re:`."""

AUTO_PHRASES = _any(
    r"out of (?:the )?office|not in the office|away from (?:my|the) (?:office|desk|email|e-mail|mail)",
    r"on (?:annual |parental |maternity |paternity |sick |medical )?(?:leave|vacation|holidays?)\b",
    r"(?:limited|no|intermittent) access to (?:my )?(?:e-?mails?|messages|the internet)",
    r"(?:will be back|will return|returning|return to the office) (?:on|in|by)",
    r"(?:no longer|not) (?:work|with the company|employed)",
    r"this is an auto|automatic(?:ally)? (?:reply|response|generated|message)|auto-?reply|autoresponder",
    r"we have received your (?:message|e-?mail|request|application)",
    r"nicht im (?:büro|haus)|im urlaub|abwesend|nicht erreichbar|außer haus|in elternzeit",
    r"automatisch (?:generiert|erstellt)",
    r"absente? (?:du bureau|jusqu|pour|actuellement)|en congés?|de retour le|réponse automatique|je suis absent",
    r"de vacaciones|fuera de (?:la )?oficina|ausente|respuesta automática|estaré de vuelta",
    r"in ferie|fuori (?:ufficio|sede)|assente|risposta automatica|al mio rientro",
    r"de férias|fora do escritório|resposta automática|ausente",
    r"afwezig|op vakantie|met verlof|niet op kantoor|automatisch antwoord",
    r"på semester|inte på kontoret|åter på kontoret|på ferie|ikke på kontoret|tilbage (?:på kontoret|den)",
    r"föräldraledig",
    r"lomalla|poissa|automaattinen",
    r"na urlopie|poza biurem|nieobecn|przebywam",
    r"dovolen|mimo kancelář|nejsem v kanceláři",
    r"szabadságon|házon kívül|concediu|izinde|ofis dışında",
    r"в отпуске|вне офиса|автоматическ|отсутству",
    r"εκτός γραφείου|άδεια",
    r"休暇|不在|自動返信|外出",
    r"休假|不在办公室|外出|自动回复|自動回覆",
    r"휴가|부재|자동 ?응답",
)

CHALLENGE_PHRASES = _any(
    r"(?:confirm|verify|prove) (?:that )?you(?:'re| are) (?:a )?(?:real |not a )?(?:human|person|robot|"
    r"spammer|legitimate)",
    r"(?:confirm|verify|validate) (?:your (?:identity|e-?mail address|address|message|e-?mail)|yourself)"
    r"[^.]{0,120}(?:deliver|sender|message|spam|inbox)",
    r"message (?:is|has been|was) (?:being )?(?:held|placed|quarantined|queued|waiting)[^.]{0,160}"
    r"(?:confirm|verif|approv|authori|repl|click)",
    r"click [^.]{0,80}(?:to|and) (?:have|get|release|deliver)[^.]{0,60}(?:message|mail|delivered|released)",
    r"(?:reply to|respond to|answer) this (?:message|e-?mail|confirmation)[^.]{0,120}(?:deliver|confirm|verif|release)",
    r"(?:approved|allowed|guest|safe|white) ?list[^.]{0,120}(?:click|confirm|request|complete)",
    r"requires? (?:sender )?(?:verification|confirmation|authentication) (?:of|from|before|by)",
    r"spam ?arrest|boxbe|tmda|sender (?:verification|address verification) (?:request|required)",
    r"(?:bestätigen|verifizieren) sie[^.]{0,120}(?:nachricht|e-?mail|absender|zugestellt)",
    r"(?:confirmez|confirmer|valider)[^.]{0,100}(?:votre (?:message|courriel|adresse|identité)|êtes (?:bien )?humain)",
    r"(?:confirme|confirmar|verifique)[^.]{0,100}(?:su (?:mensaje|correo|identidad)|no es un robot)",
)

UNSUBSCRIBE_WORDS = frozenset(
    (
        "unsubscribe|please unsubscribe|please unsubscribe me|unsubscribe me|unsubscribe please|remove me|"
        "opt out|opt-out|stop|"
        "please remove me|please remove me from your list|abmelden|abbestellen|austragen|bitte abmelden|"
        "bitte austragen|"
        "désabonner|désinscrire|désinscription|désabonnement|me désabonner|me désinscrire|darse de baja|baja|"
        "dar de baja|"
        "cancelar suscripción|disiscrivi|disiscrivimi|cancellami|annulla iscrizione|cancelar inscrição|descadastrar|"
        "remover|uitschrijven|afmelden|wypisz|wypisz mnie|avregistrera|avprenumerera|afmeld|meld av|peruuta tilaus|"
        "odhlásit|leiratkozás|dezabonare|отписаться|отписка|配信停止|購読解除|退订|退訂|수신거부"
    ).split("|")
)
"""All that a mail says when it asks for no more mail."""

FULL_MAILBOX = _any(
    r"quota|mailbox (?:is |was )?(?:full|size)|mailbox full|over ?quota|storage",
    r"insufficient (?:system )?(?:storage|space)",
    r"postfach (?:ist )?voll|boîte (?:aux lettres|de réception)? ?(?:est )?pleine|buzón (?:está )?lleno",
    r"casella (?:è )?piena",
)

POLICY = _any(
    r"spam|block(?:ed|list)|black ?list|reputation|dmarc|\bspf\b|dkim|policy|relay(?:ing)? (?:access )?denied|greylist",
    r"rate limit|too many|daily (?:user )?sending|sending limit|virus|content rejected|authenticat|banned|prohibited",
    r"too large|size limit|exceeds",
)

NO_SUCH_MAILBOX = _any(
    r"(?:user|recipient|mailbox|account|address|addressee|alias)[\w' <>@.:+-]{0,80} (?:unknown|not found|"
    r"unavailable|disabled|"
    r"invalid|inactive|not exist|suspended|deleted|closed|rejected)",
    r"(?:unknown|invalid|no such|bad|nonexistent|inactive|disabled) (?:local )?(?:user|recipient|mailbox|"
    r"account|address|domain|"
    r"destination|person|host)",
    r"does(?: not|n't) (?:exist|have an?)|not exist|no mailbox here|not a valid (?:user|mailbox|recipient|address)",
    r"mailbox unavailable|unrouteable|unroutable|host (?:or domain name )?not found|name service error",
    r"no mx|domain not found",
    r"not listed in|not a known user|couldn't be found|wasn't found|recipient ?not ?found|recipnotfound",
    r"no longer (?:valid|active)",
    r"empfänger (?:un|nicht)|adresse (?:existiert nicht|ist unbekannt)",
    r"unbekannte(?:r)? (?:empfänger|benutzer)|existiert nicht",
    r"destinataire inconnu|adresse inconnue|n'existe pas|utilisateur inconnu|introuvable",
    r"no existe|desconocid|non esiste|sconosciut|inesistente|não existe|desconhecid|bestaat niet|onbekend",
    r"nie istnieje|nieznany",
    r"не существует|не найден|finns inte|findes ikke|neexistuje|存在しません|不存在|존재하지",
)
