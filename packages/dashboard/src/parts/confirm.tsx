import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Failure } from './failure'

interface ConfirmProps {
  title: string
  /** On the button that does it. */
  action: string
  danger?: boolean
  /** Closes the dialog when it resolves; what it rejects with is shown there. */
  onConfirm(): Promise<unknown>
  onClose(): void
  children: ComponentChildren
}

/** Asks before something is done that cannot be taken back. */
export function Confirm({ title, action, danger = false, onConfirm, onClose, children }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  useEffect(() => dialog.current?.showModal(), [])

  const confirm = async () => {
    setBusy(true)
    setError(undefined)
    try {
      await onConfirm()
      dialog.current?.close()
    } catch (error) {
      setError(error)
      setBusy(false)
    }
  }

  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="confirm-title">
      <h2 id="confirm-title">{title}</h2>
      {children}
      {error !== undefined && <Failure error={error} />}
      <div class="actions end">
        <button type="button" onClick={() => dialog.current?.close()}>
          Cancel
        </button>
        <button type="button" class={danger ? 'danger' : 'primary'} disabled={busy} onClick={confirm}>
          {action}
        </button>
      </div>
    </dialog>
  )
}
