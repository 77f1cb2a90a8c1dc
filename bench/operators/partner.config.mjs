export default { sources: { partner: { handle: () => Response.json({ status: 'success' }) } } }
